"""The product's delivery core with stages that think nothing: the limit that core and machine set. Not for production.

Capture is the product's own process. Its records go through three stages that run as the services do (shared.service: fence,
cursors, inbox, outbox, one transaction a batch, handovers in Kafka transactions), at the same sizes. Each stage decodes what
names a record and passes over the rest, reads nothing from its store, writes one small row a lead, and emits one record.
No rules, no profiles, no identities: whatever a product on this core does for a lead is added to what this costs.
"""
