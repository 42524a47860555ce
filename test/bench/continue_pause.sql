SELECT hitl.invoke(:graph, jsonb_build_object('n', :n::int));
