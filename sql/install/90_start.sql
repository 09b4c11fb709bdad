-- The last statement: once this commits, the launcher gives the database its sender.
SELECT coach_sms_internal.sms_poke_launcher();
