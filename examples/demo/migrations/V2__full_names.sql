ALTER TABLE customers RENAME COLUMN name TO full_name;
ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'new';
