BEGIN;
SELECT hitl.claim_next();
ROLLBACK;
