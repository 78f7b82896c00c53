"""Who follows whom (承继): mergers and new credit codes, under which rights go on."""
