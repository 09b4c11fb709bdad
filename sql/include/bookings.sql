\set ECHO none
-- The guide's tables, and ids: id(3, 7) is the seventh of kind 3.
CREATE TABLE public.orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE public.clients (id uuid PRIMARY KEY, org_id uuid, full_name text, phone text);
CREATE TABLE public.bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, client_id uuid,
  start_time timestamptz, end_time timestamptz, status text, location_details text);
CREATE FUNCTION pg_temp.id(kind integer, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (kind || '0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
\set ECHO all
