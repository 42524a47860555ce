\set i :i + 1
SELECT hitl.approve(interrupt_id) FROM todo WHERE k = :i;
SELECT hitl.wait(thread_id, '10 s') FROM todo WHERE k = :i;
