-- The last statement: once this commits, the launcher gives the database its sender.
SELECT sms_poke_launcher();
