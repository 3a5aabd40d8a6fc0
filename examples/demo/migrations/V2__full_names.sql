ALTER TABLE customers RENAME COLUMN name TO full_name;
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'new';
