"""From a delivered file to judged rows: reading (`records`), judging and publishing (`take`)."""
