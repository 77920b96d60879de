#!/bin/sh
# A first walk through Cairn with the AWS CLI: S3, DynamoDB, SQS and STS.
#
#   cairn start                      (in one terminal)
#   sh examples/quickstart.sh        (in another)
#
# Everything it makes is still there when Cairn is stopped, or killed, and started again.
set -eu

# The CLI needs an endpoint, a region and credentials. Any credentials will do: a key of twelve digits is the account.
export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://localhost:4566}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-000000000000}"
export AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
export AWS_PAGER=""

# Version 1 of the CLI does not read AWS_ENDPOINT_URL for SQS, so each call names the endpoint.
aws() {
  command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== Who am I?"
aws sts get-caller-identity --query Arn --output text

echo "== A bucket, and a file in it"
aws s3 mb s3://notes >/dev/null 2>&1 || aws s3api head-bucket --bucket notes >/dev/null
echo "Stones show the way." >"$work/note.txt"
aws s3 cp "$work/note.txt" s3://notes/first.txt --only-show-errors
aws s3 ls s3://notes
aws s3 cp s3://notes/first.txt - --only-show-errors

echo "== A table, and an item in it"
aws dynamodb describe-table --table-name notes >/dev/null 2>&1 || {
  aws dynamodb create-table --table-name notes \
    --attribute-definitions AttributeName=id,AttributeType=S \
    --key-schema AttributeName=id,KeyType=HASH \
    --billing-mode PAY_PER_REQUEST >/dev/null
  aws dynamodb wait table-exists --table-name notes
}
aws dynamodb put-item --table-name notes --item '{"id": {"S": "first"}, "words": {"N": "4"}}'
aws dynamodb get-item --table-name notes --key '{"id": {"S": "first"}}' --query Item.words.N --output text

echo "== A queue, and a message through it"
queue=$(aws sqs create-queue --queue-name notes --query QueueUrl --output text)
aws sqs send-message --queue-url "$queue" --message-body "read first.txt" >/dev/null
handle=$(aws sqs receive-message --queue-url "$queue" --wait-time-seconds 5 --query 'Messages[0].ReceiptHandle' --output text)
aws sqs delete-message --queue-url "$queue" --receipt-handle "$handle"
aws sqs get-queue-attributes --queue-url "$queue" --attribute-names ApproximateNumberOfMessages \
  --query Attributes.ApproximateNumberOfMessages --output text

echo "== The same as a role, with temporary credentials"
set -- $(aws sts assume-role --role-arn arn:aws:iam::000000000000:role/Reader --role-session-name quickstart \
  --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
export AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$2" AWS_SESSION_TOKEN="$3"
aws sts get-caller-identity --query Arn --output text
aws s3api list-objects-v2 --bucket notes --query 'Contents[].Key' --output text
