-- The install script is joined from sql/install/*.sql in the order of their names.
\echo Use "CREATE EXTENSION coach_sms" to load this file. \quit
