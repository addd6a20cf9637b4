#!/bin/sh
# Who may do what on Kafka, generated from shared/access.py: python -m shared.generate. `leads topics allow` does the same without Kafka's tools.
# The broker needs authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer and allow.everyone.if.no.acl.found=false.
#   BOOTSTRAP=kafka:9093 COMMAND_CONFIG=admin.properties deploy/kafka/acls.sh
set -eu
acl() { kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$COMMAND_CONFIG" "$@"; }
acl --add --allow-principal User:capture --operation Describe --group leadflow-enrich
acl --add --allow-principal User:capture --operation Describe --operation Read --operation Write --topic leads.captured.v1 --topic leads.privacy.v1
acl --add --allow-principal User:capture --operation Describe --operation Write --topic leads.commands.v1 --topic leads.dead.v1 --topic leads.receipts.v1
acl --add --allow-principal User:console --operation Describe --operation Read --group leadflow-console
acl --add --allow-principal User:console --operation Describe --operation Write --topic leads.captured.v1 --topic leads.enriched.v1 --topic leads.outcomes.v1 --topic leads.scored.v1 --topic leads.signals.v1
acl --add --allow-principal User:console --operation Describe --operation Read --operation Write --topic leads.commands.v1 --topic leads.dead.v1 --topic leads.receipts.v1
acl --add --allow-principal User:console --operation Describe --operation Read --topic leads.privacy.v1
acl --add --allow-principal User:enrich --operation Describe --operation Read --group leadflow-enrich
acl --add --allow-principal User:enrich --operation Describe --operation Read --topic leads.captured.v1 --topic leads.privacy.v1
acl --add --allow-principal User:enrich --operation Describe --operation Read --operation Write --topic leads.commands.v1 --topic leads.enriched.v1
acl --add --allow-principal User:enrich --operation Describe --operation Write --topic leads.dead.v1 --topic leads.receipts.v1
acl --add --allow-principal User:marketing --operation Describe --operation Read --group marketing- --resource-pattern-type prefixed
acl --add --allow-principal User:marketing --operation Describe --operation Read --topic leads.nurture.v1
acl --add --allow-principal User:operator --operation Describe --operation Read --topic leads.captured.v1 --topic leads.commands.v1 --topic leads.dead.v1 --topic leads.enriched.v1 --topic leads.handover.v1 --topic leads.nurture.v1 --topic leads.outcomes.v1 --topic leads.privacy.v1 --topic leads.receipts.v1 --topic leads.scored.v1 --topic leads.signals.v1
acl --add --allow-principal User:privacy --operation Describe --operation Write --topic leads.privacy.v1
acl --add --allow-principal User:route --operation Describe --operation Read --group leadflow-intake --group leadflow-mail --group leadflow-route --group leadflow-webhooks
acl --add --allow-principal User:route --operation Describe --operation Read --operation Write --topic leads.captured.v1 --topic leads.commands.v1 --topic leads.handover.v1 --topic leads.nurture.v1 --topic leads.outcomes.v1
acl --add --allow-principal User:route --operation Describe --operation Write --topic leads.dead.v1 --topic leads.receipts.v1
acl --add --allow-principal User:route --operation Describe --operation Read --topic leads.privacy.v1 --topic leads.scored.v1
acl --add --allow-principal User:route --operation Describe --operation Write --transactional-id leadflow-route- --resource-pattern-type prefixed
acl --add --allow-principal User:sales --operation Describe --operation Read --group sales- --resource-pattern-type prefixed
acl --add --allow-principal User:sales --operation Describe --operation Read --topic leads.handover.v1
acl --add --allow-principal User:sales --operation Describe --operation Write --topic leads.outcomes.v1
acl --add --allow-principal User:score --operation Describe --operation Read --group leadflow-score
acl --add --allow-principal User:score --operation Describe --operation Read --operation Write --topic leads.commands.v1 --topic leads.scored.v1
acl --add --allow-principal User:score --operation Describe --operation Write --topic leads.dead.v1 --topic leads.receipts.v1
acl --add --allow-principal User:score --operation Describe --operation Read --topic leads.enriched.v1 --topic leads.privacy.v1 --topic leads.signals.v1
acl --add --allow-principal User:signals --operation Describe --operation Read --group leadflow-signals
acl --add --allow-principal User:signals --operation Describe --operation Write --topic leads.signals.v1
acl --add --allow-principal User:topics --operation Alter --cluster
acl --add --allow-principal User:topics --operation Create --operation Describe --operation DescribeConfigs --topic leads.captured.v1 --topic leads.commands.v1 --topic leads.dead.v1 --topic leads.enriched.v1 --topic leads.handover.v1 --topic leads.nurture.v1 --topic leads.outcomes.v1 --topic leads.privacy.v1 --topic leads.receipts.v1 --topic leads.scored.v1 --topic leads.signals.v1
acl --add --allow-principal User:web --operation Describe --operation Write --topic leads.captured.v1
