//! Ways to ask others who somebody is. Knows no tenants and keeps nothing.
