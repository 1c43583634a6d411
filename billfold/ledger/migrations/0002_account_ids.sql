-- Finds accounts by what names them, in the order asked; NULL where there is none.
CREATE FUNCTION ledger_account_ids(codes text[], subjects text[], currencies text[])
RETURNS uuid[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT array_agg(a.id ORDER BY t.place)
    FROM unnest(codes, subjects, currencies) WITH ORDINALITY AS t (code, subject, currency, place)
    LEFT JOIN ledger_account a
        ON a.code = t.code AND a.subject = t.subject AND a.currency = t.currency
$$;
