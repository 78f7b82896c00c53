"""The one database: tables’ base, two ways in, migrations, the embedded server."""
