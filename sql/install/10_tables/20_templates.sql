CREATE TABLE sms_templates (
  id                uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id            uuid NOT NULL,
  template_key      text NOT NULL CHECK (template_key <> ''),
  name              text,
  description       text,
  body              text NOT NULL,
  variables_schema  jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(variables_schema) = 'array'),
  is_active         boolean NOT NULL DEFAULT true,
  version           integer NOT NULL CHECK (version > 0),
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, template_key, version)
);
COMMENT ON TABLE sms_templates IS
'Texts with {{placeholders}}. The highest active version of a key is used; a message keeps the version it '
'was rendered from.';
COMMENT ON COLUMN sms_templates.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_templates.org_id IS 'The organisation whose template this is.';
COMMENT ON COLUMN sms_templates.template_key IS 'What sms_enqueue names, for example booking_confirmation.';
COMMENT ON COLUMN sms_templates.name IS 'A name for people.';
COMMENT ON COLUMN sms_templates.description IS 'A note for people.';
COMMENT ON COLUMN sms_templates.body IS
'The text, with {{name}} where a variable goes. A placeholder that is broken raises SM003 when the row is '
'written.';
COMMENT ON COLUMN sms_templates.variables_schema IS
'JSON array of the names that the text uses, for people and forms; what must be given is read from the '
'body.';
COMMENT ON COLUMN sms_templates.is_active IS
'false: this version is not used for new messages. Default true.';
COMMENT ON COLUMN sms_templates.version IS
'Counts up within (org_id, template_key); an insert without it takes the next one.';
COMMENT ON COLUMN sms_templates.created_at IS 'When the row was made.';
COMMENT ON COLUMN sms_templates.updated_at IS 'When the row was last changed.';
