-- Books transfers, many at once, in one round trip. All arrays run in parallel, one place per transfer.
-- Gives the number booked; a key that is booked already with the same content is passed over.
-- Raises BF001 if a key is booked with other content, BF002 if a reversal names nothing.
CREATE FUNCTION ledger_post(
    ids uuid[], keys text[],
    debit_codes text[], debit_subjects text[], credit_codes text[], credit_subjects text[],
    amounts bigint[], currencies text[], dates date[], reasons text[], evidences text[],
    reversed_keys text[], parties uuid[], account_ids uuid[], batch uuid, posted timestamptz
) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    booked bigint;
    given bigint := cardinality(keys);
    offender text;
BEGIN
    -- Accounts that are not there yet. Everybody adds them in one order, so nobody waits in a ring.
    INSERT INTO ledger_account (id, code, subject, currency, party, debits_minor, credits_minor)
    SELECT DISTINCT ON (side.code, side.subject, side.currency)
           side.id, side.code, side.subject, side.currency,
           CASE WHEN side.subject = '' THEN NULL ELSE side.party END, 0, 0
    FROM (
        SELECT * FROM unnest(account_ids[:given], debit_codes, debit_subjects, currencies, parties)
            AS debit (id, code, subject, currency, party)
        UNION ALL
        SELECT * FROM unnest(account_ids[given + 1:], credit_codes, credit_subjects, currencies, parties)
            AS credit (id, code, subject, currency, party)
    ) side
    WHERE NOT EXISTS (
        SELECT FROM ledger_account a
        WHERE a.code = side.code AND a.subject = side.subject AND a.currency = side.currency)
    ORDER BY side.code, side.subject, side.currency
    ON CONFLICT DO NOTHING;

    -- The running sums that will move, locked in the order of their ids.
    PERFORM 1 FROM ledger_account a
    WHERE a.subject <> '' AND a.id IN (
        SELECT a2.id FROM unnest(debit_codes || credit_codes, debit_subjects || credit_subjects,
                                 currencies || currencies) AS named (code, subject, currency)
        JOIN ledger_account a2 USING (code, subject, currency))
    ORDER BY a.id FOR NO KEY UPDATE;

    WITH asked AS (
        SELECT * FROM unnest(ids, keys, debit_codes, debit_subjects, credit_codes, credit_subjects,
                             amounts, currencies, dates, reasons, evidences, reversed_keys)
            AS t (id, key, debit_code, debit_subject, credit_code, credit_subject,
                  amount, currency, on_date, reason, evidence, reversed_key)
    ), fresh AS (
        INSERT INTO ledger_transfer (id, key, debit_id, credit_id, amount_minor, currency,
                                     effective_date, posted_at, reason, evidence, reverses_id)
        SELECT asked.id, asked.key, debit.id, credit.id, asked.amount, asked.currency,
               asked.on_date, posted, asked.reason, asked.evidence, original.id
        FROM asked
        JOIN ledger_account debit ON debit.code = asked.debit_code
            AND debit.subject = asked.debit_subject AND debit.currency = asked.currency
        JOIN ledger_account credit ON credit.code = asked.credit_code
            AND credit.subject = asked.credit_subject AND credit.currency = asked.currency
        LEFT JOIN ledger_transfer original ON asked.reversed_key <> ''
            AND original.key = asked.reversed_key AND original.debit_id = credit.id
            AND original.credit_id = debit.id AND original.amount_minor = asked.amount
        WHERE asked.reversed_key = '' OR original.id IS NOT NULL
        ON CONFLICT (key) DO NOTHING
        RETURNING debit_id, credit_id, amount_minor, currency, effective_date
    ), side AS (
        SELECT debit_id AS account_id, amount_minor AS debit, 0::bigint AS credit,
               currency, effective_date FROM fresh
        UNION ALL
        SELECT credit_id, 0, amount_minor, currency, effective_date FROM fresh
    ), moved AS (
        INSERT INTO ledger_movement (code, currency, effective_date, batch, debits_minor, credits_minor)
        SELECT a.code, side.currency, side.effective_date, batch, sum(side.debit), sum(side.credit)
        FROM side JOIN ledger_account a ON a.id = side.account_id
        GROUP BY a.code, side.currency, side.effective_date
    ), summed AS (
        UPDATE ledger_account a
        SET debits_minor = a.debits_minor + s.debit, credits_minor = a.credits_minor + s.credit
        FROM (SELECT account_id, sum(debit) AS debit, sum(credit) AS credit
              FROM side GROUP BY account_id) s
        WHERE a.id = s.account_id AND a.subject <> ''
    )
    SELECT count(*) INTO booked FROM fresh;

    IF booked < given THEN
        SELECT asked.key INTO offender
        FROM unnest(keys, debit_codes, debit_subjects, credit_codes, credit_subjects,
                    amounts, currencies, dates, reversed_keys)
            AS asked (key, debit_code, debit_subject, credit_code, credit_subject,
                      amount, currency, on_date, reversed_key)
        LEFT JOIN (ledger_transfer t
            JOIN ledger_account debit ON debit.id = t.debit_id
            JOIN ledger_account credit ON credit.id = t.credit_id
            LEFT JOIN ledger_transfer original ON original.id = t.reverses_id)
            ON t.key = asked.key
        WHERE t.id IS NULL
           OR (debit.code, debit.subject, credit.code, credit.subject, t.amount_minor, t.currency,
               t.effective_date, coalesce(original.key, ''))
              IS DISTINCT FROM
              (asked.debit_code, asked.debit_subject, asked.credit_code, asked.credit_subject,
               asked.amount, asked.currency, asked.on_date, asked.reversed_key)
        LIMIT 1;
        IF offender IS NOT NULL THEN
            IF EXISTS (SELECT FROM ledger_transfer WHERE key = offender) THEN
                RAISE EXCEPTION '%', offender USING ERRCODE = 'BF001';
            END IF;
            RAISE EXCEPTION '%', offender USING ERRCODE = 'BF002';
        END IF;
    END IF;
    RETURN booked;
END $$;
