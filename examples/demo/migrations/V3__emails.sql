UPDATE customers SET email = 'unknown' WHERE email IS NULL;
ALTER TABLE customers ALTER COLUMN email SET NOT NULL;
