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
'Texts with {{placeholders}}. sms_enqueue uses the highest active version of a key. A message keeps the '
'version that it was rendered from.';
COMMENT ON COLUMN sms_templates.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_templates.org_id IS 'The org.';
COMMENT ON COLUMN sms_templates.template_key IS
'The name that sms_enqueue takes, for example booking_confirmation.';
COMMENT ON COLUMN sms_templates.name IS 'A name for people.';
COMMENT ON COLUMN sms_templates.description IS 'A note for people.';
COMMENT ON COLUMN sms_templates.body IS
'The text, with {{name}} for each variable. Raises SM003 for a broken placeholder.';
COMMENT ON COLUMN sms_templates.variables_schema IS
'JSON array of the names that the text uses, for people and forms. sms_enqueue reads the names from body.';
COMMENT ON COLUMN sms_templates.is_active IS 'false: new messages do not use this version. Default true.';
COMMENT ON COLUMN sms_templates.version IS 'Counts up within (org_id, template_key). Default: the next one.';
COMMENT ON COLUMN sms_templates.created_at IS 'When the row was inserted.';
COMMENT ON COLUMN sms_templates.updated_at IS 'When the row was last changed.';
