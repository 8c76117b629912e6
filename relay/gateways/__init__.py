"""The outside world, one file per neighbour: MIME, Amazon SES, Amazon SNS."""
