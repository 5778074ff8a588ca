"""From a suite to evidence: suite -> plan -> work -> scheduler -> worker."""
