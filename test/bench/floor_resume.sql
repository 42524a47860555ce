\set i :i + 1
\set id :base + :client_id * :share + :i
\startpipeline
BEGIN;
UPDATE floor_interrupt SET status = 'decided', decision = '{"type": "approve"}', decided_by = session_user, decided_at = now() WHERE id = :id;
INSERT INTO floor_refunds VALUES (:id, 4200);
UPDATE floor_state SET status = 'done', state = state || '{"status": "paid"}', changed_at = now() WHERE id = :id;
COMMIT;
\endpipeline
