\set i :i + 1
\set k :client_id * :share + :i
SELECT hitl.approve(interrupt_id) FROM todo WHERE k = :k;
