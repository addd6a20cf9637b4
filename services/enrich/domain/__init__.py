"""What enrich decides, without IO, clock or randomness: intake (bytes to what happened), decide and regroup (whose it is), and one
module per kind of value: email, phone, person, company, job, country, zone, channel, human (verdict: what only many events
tell), where (a guess at a country). Nothing here knows Postgres or Kafka."""
