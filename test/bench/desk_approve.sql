\set i :i + 1
SELECT hitl.approve(:i);
