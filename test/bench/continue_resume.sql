\set i :i + 1
SELECT hitl.resume(thread_id, '{"type": "approve"}') FROM todo WHERE k = :i;
