-- Finds accounts by code, subject and currency, in the order transfer_count; NULL where there is none.
CREATE FUNCTION ledger_account_ids(codes text[], subjects text[], currencies text[])
RETURNS uuid[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT array_agg(a.id ORDER BY t.place)
    FROM unnest(codes, subjects, currencies) WITH ORDINALITY AS t (code, subject, currency, place)
    LEFT JOIN ledger_account a
        ON a.code = t.code AND a.subject = t.subject AND a.currency = t.currency
$$;

-- Books many transfers in one round trip. Each array has one element for each transfer; `account_ids`
-- has two, for accounts that may have to be added. Returns the number booked: a key that is booked already
-- with the same content is skipped, also when another day of the books would be its own by now.
-- Raises BF001 if a key is booked with other content, BF002 if a reversal names no transfer it mirrors,
-- BF004 if a transfer that applies money does not take it from a customer's unapplied money to what the
-- same customer owes.
CREATE FUNCTION ledger_post(
    ids uuid[], keys text[],
    debit_codes text[], debit_subjects text[], credit_codes text[], credit_subjects text[],
    amounts bigint[], currencies text[], dates date[], reasons text[], evidences text[],
    reversed_keys text[], parties uuid[], account_ids uuid[], batch uuid, posted timestamptz
) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    transfer_count bigint := cardinality(keys);
    sides_codes text[] := debit_codes || credit_codes;
    sides_subjects text[] := debit_subjects || credit_subjects;
    sides_currencies text[] := currencies || currencies;
    sides_accounts uuid[];
    created uuid[] := '{}';
    booked bigint;
    refused_key text;
    feed uuid := feed_row('transfers', batch, posted);
    first_open date;
BEGIN
    -- See 0001_books.sql. The day is read by a statement of its own, after the lock is held.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '/books', 0));
    SELECT closed_through + 1 INTO first_open FROM ledger_books;

    sides_accounts := ledger_account_ids(sides_codes, sides_subjects, sides_currencies);

    IF array_position(sides_accounts, NULL) IS NOT NULL THEN
        -- New accounts start with the sums of this batch: a transfer that was booked before has both
        -- of its accounts. Accounts are always added in one order, so that no deadlock arises.
        WITH distinct_keys AS (
            SELECT DISTINCT ON (key) place, amount
            FROM unnest(keys, amounts) WITH ORDINALITY AS t (key, amount, place) ORDER BY key, place
        ), side AS (
            SELECT s.id, s.code, s.subject, s.currency, s.account, s.party,
                   CASE WHEN s.place <= transfer_count THEN d.amount ELSE 0 END AS debit,
                   CASE WHEN s.place > transfer_count THEN d.amount ELSE 0 END AS credit
            FROM unnest(account_ids, sides_codes, sides_subjects, sides_currencies, sides_accounts,
                        parties || parties) WITH ORDINALITY
                AS s (id, code, subject, currency, account, party, place)
            JOIN distinct_keys d ON d.place = (s.place - 1) % transfer_count + 1
        ), added AS (
            INSERT INTO ledger_account (id, code, subject, currency, party, debits_minor, credits_minor)
            SELECT (array_agg(id))[1], code, subject, currency,
                   CASE WHEN subject = '' THEN NULL ELSE (array_agg(party))[1] END,
                   CASE WHEN subject = '' THEN 0 ELSE sum(debit) END,
                   CASE WHEN subject = '' THEN 0 ELSE sum(credit) END
            FROM side WHERE account IS NULL
            GROUP BY code, subject, currency ORDER BY code, subject, currency
            ON CONFLICT DO NOTHING RETURNING id
        )
        SELECT coalesce(array_agg(id), '{}') INTO created FROM added;
        sides_accounts := ledger_account_ids(sides_codes, sides_subjects, sides_currencies);
    END IF;

    SELECT r.key INTO refused_key
    FROM unnest(keys, reasons, sides_accounts[:transfer_count], sides_accounts[transfer_count + 1:])
        AS r (key, reason, debit, credit)
    JOIN ledger_account source ON source.id = r.debit
    JOIN ledger_account target ON target.id = r.credit
    WHERE r.reason = 'applied' AND (source.code, target.code, source.party)
          IS DISTINCT FROM ('unapplied', 'receivable', target.party)
    LIMIT 1;
    IF refused_key IS NOT NULL THEN
        RAISE EXCEPTION '%', refused_key USING ERRCODE = 'BF004';
    END IF;

    -- Lock the running sums that will change, in the order of their ids.
    PERFORM 1 FROM ledger_account
    WHERE id = ANY (sides_accounts) AND subject <> '' ORDER BY id FOR NO KEY UPDATE;

    WITH requested AS (
        SELECT * FROM unnest(ids, keys,
                             sides_accounts[:transfer_count], sides_accounts[transfer_count + 1:],
                             amounts, currencies, dates, reasons, evidences, reversed_keys)
            AS t (id, key, debit, credit, amount, currency, on_date, reason, evidence, reversed_key)
    ), inserted AS (
        INSERT INTO ledger_transfer (id, key, debit_id, credit_id, amount_minor, currency,
                                     effective_date, booked_on, posted_at, reason, evidence,
                                     reverses_id, feed_row_id)
        SELECT r.id, r.key, r.debit, r.credit, r.amount, r.currency,
               r.on_date, greatest(r.on_date, first_open), posted, r.reason, r.evidence, original.id,
               feed
        FROM requested r
        LEFT JOIN ledger_transfer original ON original.key = nullif(r.reversed_key, '')
            AND original.debit_id = r.credit AND original.credit_id = r.debit
            AND original.amount_minor = r.amount
        WHERE r.reversed_key = '' OR original.id IS NOT NULL
        ON CONFLICT (key) DO NOTHING
        RETURNING debit_id, credit_id, amount_minor, currency, booked_on
    ), side AS (
        SELECT debit_id AS account_id, amount_minor AS debit, 0::bigint AS credit,
               currency, booked_on FROM inserted
        UNION ALL
        SELECT credit_id, 0, amount_minor, currency, booked_on FROM inserted
    ), moved AS (
        INSERT INTO ledger_movement (code, currency, booked_on, batch, debits_minor, credits_minor)
        SELECT named.code, side.currency, side.booked_on, batch, sum(side.debit), sum(side.credit)
        FROM side
        JOIN (SELECT DISTINCT * FROM unnest(sides_accounts, sides_codes) AS n (id, code)) named
            ON named.id = side.account_id
        GROUP BY named.code, side.currency, side.booked_on
    ), summed AS (
        UPDATE ledger_account a
        SET debits_minor = a.debits_minor + s.debit, credits_minor = a.credits_minor + s.credit
        FROM (SELECT account_id, sum(debit) AS debit, sum(credit) AS credit
              FROM side GROUP BY account_id) s
        WHERE a.id = s.account_id AND a.subject <> ''
          AND NOT EXISTS (SELECT FROM unnest(created) AS c (id) WHERE c.id = a.id)
    )
    SELECT count(*) INTO booked FROM inserted;

    IF booked < transfer_count THEN
        SELECT r.key INTO refused_key
        FROM unnest(keys, sides_accounts[:transfer_count], sides_accounts[transfer_count + 1:],
                    amounts, currencies, dates, reversed_keys)
            AS r (key, debit, credit, amount, currency, on_date, reversed_key)
        LEFT JOIN (ledger_transfer t LEFT JOIN ledger_transfer original ON original.id = t.reverses_id)
            ON t.key = r.key
        WHERE t.id IS NULL
           OR (t.debit_id, t.credit_id, t.amount_minor, t.currency, t.effective_date,
               coalesce(original.key, ''))
              IS DISTINCT FROM
              (r.debit, r.credit, r.amount, r.currency, r.on_date,
               r.reversed_key)
        LIMIT 1;
        IF refused_key IS NOT NULL THEN
            IF EXISTS (SELECT FROM ledger_transfer WHERE key = refused_key) THEN
                RAISE EXCEPTION '%', refused_key USING ERRCODE = 'BF001';
            END IF;
            RAISE EXCEPTION '%', refused_key USING ERRCODE = 'BF002';
        END IF;
    END IF;
    RETURN booked;
END $$;
