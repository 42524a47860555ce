\set i :i + 1
\set id :base + :client_id * :share + :i
WITH i AS (INSERT INTO floor_interrupt (id, action, args, description) VALUES (:id, 'refund', '{"order": "A-2", "amount": 4200}', 'Refund above 1000')) INSERT INTO floor_state (id, status, state) VALUES (:id, 'interrupted', '{"amount": 4200, "refund_args": {"order": "A-2", "amount": 4200}}');
