"""Documents that services decide by (rulesets, routing, nurture): published by topic, kept for ever, in force by number and moment.

The way of a document. A service's API lints the text and writes it as a `lead.command` of kind `document` (contracts.Document) to *every*
number of leads.commands.v1, key `*`: the same command id and content on each. The owner of a number reads it there, keeps the text in
`document` and the publication in `publication` (its `seq` is the record's offset, its `in_force_at` the record's Kafka time), in one fenced
transaction as everything else; the command is done when all numbers have it. So no service is restarted, nobody asks a store on the hot
path, and a replay of the topic gives the same two tables.

In force for a record of number n is the latest publication of n that is not after the record; before the first, what the service was
started with (its file). `Documents.at(part, now)` says so, a look into a dict. The shell keeps it true: a batch is cut after each document in
it, in the order of time, and what is in force is read anew after such a cut and whenever a number is claimed. Nobody else writes
publications of a number, so that is enough. (A record that lies in another topic and was read before the publication, though it is later
by a few milliseconds, is still decided by the document before.)

How a service uses it:

    rulesets = Documents("ruleset", read=read, name=lambda one: one.id, first=text)   # read: str -> D, raises Unusable with all mistakes
    Stage(..., reads=(..., COMMANDS), documents=(rulesets,))                           # a stage with an inbox
    rulesets.at(input_.part, input_.now).document                                      # in decode (record.part, its time), load, decide
    api.routes(rulesets, pool=..., send=..., partitions=..., path="/v1/rulesets", source="score-api")  # lint, list, show, diff, draft, publish, rollback, status

What a service does because of a publication beside deciding by it (score counts every lead again) is its own: `Documents.since` names
those that came after one that it knows. The rooms: inforce.py what is in force, record.py a document's record, store.py the two tables (made by
shared/migrations, in every service's store), reading.py what is told of them, keeping.py the shell's part, api.py the routes, difference.py two texts in words.
"""
