"""The board for those who ask what came of it: the funnel, handovers, deadlines, nurture."""

from __future__ import annotations

from deploy.boards import Board, Panel

_ENTERED = "leadflow_lead_stages_entered_total"

BUSINESS = Board(
    "leadflow-business",
    "Leadflow: business",
    "Leads on their way to sales, by property, channel and team. Counts since the processes started; the console has the books.",
    (
        (
            "The funnel",
            (
                Panel(
                    "Into stages",
                    "Leads in the range shown, by the stage that they entered",
                    "short",
                    ((f"sum by (lead_stage) (increase({_ENTERED}[$__range]))", "{{lead_stage}}"),),
                    "stat",
                ),
                Panel(
                    "Out of stages",
                    "Leads in an hour that left a stage",
                    "short",
                    (("sum by (lead_stage) (increase(leadflow_lead_stages_left_total[1h]))", "{{lead_stage}}"),),
                ),
                Panel(
                    "By property",
                    "Leads in an hour that entered a stage",
                    "short",
                    ((f"sum by (property, lead_stage) (increase({_ENTERED}[1h]))", "{{property}} {{lead_stage}}"),),
                ),
                Panel(
                    "By channel",
                    "Leads in an hour that entered a stage",
                    "short",
                    ((f"sum by (channel, lead_stage) (increase({_ENTERED}[1h]))", "{{channel}} {{lead_stage}}"),),
                ),
                Panel(
                    "Waiting for somebody",
                    "Leads in SQL that nobody has, by reason",
                    "short",
                    (("max by (reason) (leadflow_queue_leads)", "{{reason}}"),),
                ),
                Panel(
                    "Waiting longest",
                    "By reason",
                    "s",
                    (("max by (reason) (leadflow_queue_oldest_seconds)", "{{reason}}"),),
                ),
            ),
        ),
        (
            "Handovers",
            (
                Panel(
                    "By team",
                    "In an hour, first and again",
                    "short",
                    (("sum by (team, attempt) (increase(leadflow_handovers_total[1h]))", "{{team}} {{attempt}}"),),
                ),
                Panel(
                    "What became of them",
                    "Handovers in an hour that came into a state",
                    "short",
                    (("sum by (state) (increase(leadflow_handover_states_total[1h]))", "{{state}}"),),
                ),
                Panel(
                    "Deadlines",
                    "In an hour, kept and missed",
                    "short",
                    (
                        (
                            "sum by (step, result) (increase(leadflow_handover_deadlines_total[1h]))",
                            "{{step}} {{result}}",
                        ),
                    ),
                ),
                Panel(
                    "The system's part",
                    "From our acceptance to the handover: half, and 99 %",
                    "s",
                    (
                        (
                            "histogram_quantile(0.5, sum by (le) (rate(leadflow_handover_system_seconds_bucket[1h])))",
                            "half",
                        ),
                        (
                            "histogram_quantile(0.99, sum by (le) (rate(leadflow_handover_system_seconds_bucket[1h])))",
                            "99 %",
                        ),
                    ),
                ),
                Panel(
                    "People's part",
                    "From the handover to what its owner did, half, by the clock on the wall and in working time",
                    "s",
                    (
                        (
                            "histogram_quantile(0.5, sum by (step, clock, le) (rate(leadflow_handover_human_seconds_bucket[6h])))",
                            "{{step}} {{clock}}",
                        ),
                    ),
                ),
            ),
        ),
        (
            "Nurture, webhooks and mail",
            (
                Panel(
                    "Steps",
                    "In an hour, by channel and result",
                    "short",
                    (
                        (
                            "sum by (channel, result) (increase(leadflow_nurture_steps_total[1h]))",
                            "{{channel}} {{result}}",
                        ),
                    ),
                ),
                Panel(
                    "Tries of webhooks",
                    "In an hour, by result",
                    "short",
                    (("sum by (result) (increase(leadflow_webhook_tries_total[1h]))", "{{result}}"),),
                ),
                Panel(
                    "Time of webhooks",
                    "Mean of a try",
                    "s",
                    (
                        (
                            "sum(increase(leadflow_webhook_seconds_sum[1h])) / clamp_min(sum(increase(leadflow_webhook_seconds_count[1h])), 1)",
                            "mean",
                        ),
                    ),
                ),
                Panel(
                    "Hooks disabled",
                    "In an hour",
                    "short",
                    (("sum(increase(leadflow_webhook_hooks_disabled_total[1h]))", "hooks"),),
                ),
                Panel(
                    "Tries of mail",
                    "In an hour, by result",
                    "short",
                    (("sum by (result) (increase(leadflow_mail_tries_total[1h]))", "{{result}}"),),
                ),
            ),
        ),
    ),
)
