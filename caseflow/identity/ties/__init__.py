"""Who is tied to whom (关联关系): shareholders, controllers, officers, shared addresses."""
