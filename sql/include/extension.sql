\set ECHO none
-- The extension made anew, and errors without their context.
\set SHOW_CONTEXT never
SET client_min_messages = error;
DROP EXTENSION IF EXISTS coach_sms CASCADE;
SET client_min_messages = warning;
CREATE EXTENSION coach_sms;
\set ECHO all
