-- Leads of before rules could age were never written down to be looked at: each is, once, and is then looked at when its own time comes.
INSERT INTO review (lead_id, part, due_at) SELECT lead_id, part, now() FROM lead ON CONFLICT DO NOTHING;
