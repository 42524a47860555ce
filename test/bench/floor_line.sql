\set i :i + 1
\set id :base + :client_id * :share + :i
\startpipeline
BEGIN;
INSERT INTO floor_thread (id, status, step, state) VALUES (:id, 'running', 0, '{"order": "A-2"}');
INSERT INTO floor_checkpoint (id, step, delta) VALUES (:id, 0, '{"order": "A-2"}');
INSERT INTO floor_task (id, step, node, status) VALUES (:id, 1, 'one', 'ready');
INSERT INTO floor_queue (id, step) VALUES (:id, 1);
COMMIT;
BEGIN;
DELETE FROM floor_queue WHERE id = :id AND step = 1;
INSERT INTO floor_work VALUES (:id, 'one');
UPDATE floor_task SET status = 'done', changes = '{"one": true}', ended_at = now() WHERE id = :id AND step = 1;
INSERT INTO floor_checkpoint (id, step, delta) VALUES (:id, 1, '{"one": true}');
UPDATE floor_thread SET step = 1, state = state || '{"one": true}', changed_at = now() WHERE id = :id;
INSERT INTO floor_task (id, step, node, status) VALUES (:id, 2, 'two', 'ready');
INSERT INTO floor_queue (id, step) VALUES (:id, 2);
COMMIT;
BEGIN;
DELETE FROM floor_queue WHERE id = :id AND step = 2;
INSERT INTO floor_work VALUES (:id, 'two');
UPDATE floor_task SET status = 'done', changes = '{"two": true}', ended_at = now() WHERE id = :id AND step = 2;
INSERT INTO floor_checkpoint (id, step, delta) VALUES (:id, 2, '{"two": true}');
UPDATE floor_thread SET step = 2, state = state || '{"two": true}', changed_at = now() WHERE id = :id;
INSERT INTO floor_task (id, step, node, status) VALUES (:id, 3, 'three', 'ready');
INSERT INTO floor_queue (id, step) VALUES (:id, 3);
COMMIT;
BEGIN;
DELETE FROM floor_queue WHERE id = :id AND step = 3;
INSERT INTO floor_work VALUES (:id, 'three');
UPDATE floor_task SET status = 'done', changes = '{"three": true}', ended_at = now() WHERE id = :id AND step = 3;
INSERT INTO floor_checkpoint (id, step, delta) VALUES (:id, 3, '{"three": true}');
UPDATE floor_thread SET step = 3, status = 'done', state = state || '{"three": true}', changed_at = now() WHERE id = :id;
COMMIT;
\endpipeline
