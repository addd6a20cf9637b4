"""What enrich decides, without IO, clock or randomness: intake (bytes to what happened), decide and regroup (whose it is), and one
module per kind of value: email, phone, person, company, country, channel. Nothing here knows Postgres or Kafka."""
