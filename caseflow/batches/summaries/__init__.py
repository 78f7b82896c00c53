"""Summary sheets (申报汇总表): the cases of a call that a town or park recommends to the city."""
