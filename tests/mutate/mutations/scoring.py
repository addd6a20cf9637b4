"""The path of score that counts on instead of counting anew: the reference fold must say something else."""

from __future__ import annotations

from tests.mutate.mutations.mutation import Mutation

AGREE = "tests/unit/score/test_fold_and_tally_agree.py"
RULE = "tests/unit/score/test_any_rule.py"
TALLY = "tests/unit/score/test_tally.py"
CLOCK = "tests/unit/score/test_clock.py"
DECIDE = "tests/unit/score/test_decide.py"
ADVICE = "tests/unit/score/test_advice.py"

SCORE = (
    Mutation(
        "a limit lets one more in",
        "services/score/domain/tally.py",
        "        if now >= limit.count:\n",
        "        if now > limit.count:\n",
        "who opens a mail four times a day is taken for interested",
        (RULE, AGREE),
    ),
    Mutation(
        "a count that was completed goes on",
        "services/score/domain/tally.py",
        "        pending = ()\n    before",
        "    before",
        "after three pages within a week each further one scores as if it were three",
        (RULE,),
    ),
    Mutation(
        "what came before a reset still counts",
        "services/score/domain/tally.py",
        "    rules = {} if any(index < count and ruleset.engagement[index].reset for index in fact.rules) else dict(tally.rules)\n",
        "    rules = dict(tally.rules)\n",
        "who unsubscribed is called all the same",
        (RULE,),
    ),
    Mutation(
        "a late activity is counted on as if it came in order",
        "services/score/domain/tally.py",
        "    return not fact.rules or tally.newest_at is None or fact.moment > (tally.newest_at, tally.newest_id)\n",
        "    return True\n",
        "the later of two counts, where the earlier one should: points depend on the network",
        (TALLY, DECIDE),
    ),
    Mutation(
        "an activity is worth its points at exactly its window's age",
        "services/score/domain/tally.py",
        "        if at > until:\n            break\n",
        "        if at >= until:\n            break\n",
        "a stage is left an instant late, and explained by nothing",
        (RULE,),
    ),
    Mutation(
        "what is halving begins anew with each activity",
        "services/score/domain/tally.py",
        "            before.weight * 0.5 ** ((aged_from - min(before.last, aged_from)) / decay.span)\n",
        "            before.weight\n",
        "an old lead who comes back once is as hot as on his first day",
        (RULE,),
    ),
    Mutation(
        "what fades is taken for as old as what has left",
        "services/score/domain/worth.py",
        "    moments = counted.moments - sum(counted.leaving[:left])\n",
        "    moments = counted.moments\n",
        "points of a fading rule are far off as soon as one activity has left",
        (RULE,),
    ),
    Mutation(
        "a rule's cap holds on one side of zero",
        "services/score/domain/worth.py",
        "    return points if cap is None else within(points, -cap, cap)\n",
        "    return points if cap is None else min(points, cap)\n",
        "visits to the careers page bury a lead under points without end",
        (RULE, AGREE),
    ),
    Mutation(
        "a late activity leaves what a reset had taken as it was",
        "services/score/domain/history.py",
        "        touched |= before.rules.keys() | after.ruled.keys()\n",
        "        pass\n",
        "a reset that is told late resets nothing",
        (RULE,),
    ),
    Mutation(
        "fit rules are not asked again for a profile that changed",
        "services/score/domain/decide.py",
        "            profile, fit = event.profile, None\n",
        "            profile = event.profile\n",
        "a business mail that comes with the second form never counts",
        (RULE,),
    ),
    Mutation(
        "the next look is never at a threshold",
        "services/score/domain/review.py",
        "    if passing is not None:\n        found.append(passing)\n",
        "",
        "a lead whose points decay stays with sales for ever",
        (CLOCK,),
    ),
    Mutation(
        "idle time is looked at only where it was before",
        "services/score/domain/review.py",
        "        return since + rule.after\n",
        "        return None\n",
        "a lead that falls silent keeps its stage until it speaks",
        (CLOCK,),
    ),
    Mutation(
        "a signal counts when it is stale",
        "services/score/domain/advice.py",
        "for one in here if now < one.expires_at}",
        "for one in here}",
        "what was unusual an hour ago is for ever",
        (ADVICE,),
    ),
)
