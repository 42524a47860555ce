\set i :i + 1
\startpipeline
BEGIN;
DELETE FROM floor_queue WHERE id = :base AND step = :i;
INSERT INTO floor_work VALUES (:base, 'loop');
UPDATE floor_task SET status = 'done', changes = jsonb_build_object('n', :i::int), ended_at = now() WHERE id = :base AND step = :i;
INSERT INTO floor_checkpoint (id, step, delta) VALUES (:base, :i, jsonb_build_object('n', :i::int));
UPDATE floor_thread SET step = :i, state = state || jsonb_build_object('n', :i::int), changed_at = now() WHERE id = :base;
INSERT INTO floor_task (id, step, node, status) VALUES (:base, :i + 1, 'loop', 'ready');
INSERT INTO floor_queue (id, step) VALUES (:base, :i + 1);
COMMIT;
\endpipeline
