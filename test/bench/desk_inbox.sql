SELECT interrupt_id, action, args, priority, claimed_by FROM hitl.inbox LIMIT 20;
