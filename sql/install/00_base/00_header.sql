-- The install script is joined from the files of sql/install in the order of their names.
\echo Use "CREATE EXTENSION coach_sms" to load this file. \quit

-- What is parsed here and kept (views, above all) must find PostgreSQL's own functions and operators, also where the schema
-- holds others that fit the arguments better: views are made with a search_path without that schema, and checks, defaults,
-- conditions of triggers and one-line functions with exactly the types that PostgreSQL's own have (sql/hostile_schema.sql).
