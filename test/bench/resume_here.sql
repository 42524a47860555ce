\set i :i + 1
\set k :client_id * :share + :i
SELECT hitl.resume(thread_id, '{"type": "approve"}') FROM todo WHERE k = :k;
