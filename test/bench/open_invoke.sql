SELECT hitl.invoke('refund', '{"amount": 4200, "refund_args": {"order": "A-2", "amount": 4200}}');
