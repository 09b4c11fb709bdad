-- The install script is joined from the files of sql/install in the order of their names.
\echo Use "CREATE EXTENSION coach_sms" to load this file. \quit

-- Views, checks, defaults, conditions of triggers and one-line functions are parsed here and kept so. They
-- must find PostgreSQL's own functions and operators, even where the schema holds others that fit better.
-- So views are made with a search_path without that schema. The others use exactly the types of
-- PostgreSQL's own functions (sql/hostile_schema.sql).
