// What the AWS SDK for JavaScript does with each service: `node scenarios.mjs <scenario> <endpoint>`.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import * as sts from "@aws-sdk/client-sts";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [scenario, endpoint] = process.argv.slice(2);
const settings = {
  endpoint,
  region: "eu-west-1",
  credentials: { accessKeyId: "111122223333", secretAccessKey: "test" },
  maxAttempts: 1,
};

const patience = { minDelay: 1, maxDelay: 1, maxWaitTime: 20 };

async function all(pages, member) {
  const found = [];
  for await (const page of pages) found.push(...(page[member] ?? []));
  return found;
}

const scenarios = {
  async queues() {
    const client = new sqs.SQSClient(settings);
    const { QueueUrl } = await client.send(
      new sqs.CreateQueueCommand({ QueueName: "jobs.fifo", Attributes: { FifoQueue: "true" } }),
    );
    const entries = [0, 1, 2].map((n) => ({
      Id: `n${n}`,
      MessageBody: `job ${n} ☃`,
      MessageGroupId: "g",
      MessageDeduplicationId: `d${n}`,
      MessageAttributes: { kind: { DataType: "String", StringValue: "small" } },
    }));
    const sent = await client.send(new sqs.SendMessageBatchCommand({ QueueUrl, Entries: entries }));
    assert.equal(sent.Successful.length, 3);
    const { Messages } = await client.send(
      new sqs.ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] }),
    );
    assert.deepEqual(Messages.map((message) => message.Body), ["job 0 ☃", "job 1 ☃", "job 2 ☃"]);
    assert.equal(Messages[0].MessageAttributes.kind.StringValue, "small");
    for (const { ReceiptHandle } of Messages)
      await client.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    for (const n of [0, 1, 2, 3]) await client.send(new sqs.CreateQueueCommand({ QueueName: `more-${n}` }));
    const urls = await all(sqs.paginateListQueues({ client, pageSize: 2 }, {}), "QueueUrls");
    assert.equal(urls.length, 5);
    await assert.rejects(client.send(new sqs.GetQueueUrlCommand({ QueueName: "absent" })), (error) => {
      assert.ok(error instanceof sqs.QueueDoesNotExist);
      assert.equal(error.$metadata.httpStatusCode, 400);
      return true;
    });
  },

  async objects() {
    const client = new s3.S3Client({ ...settings, forcePathStyle: true });
    const Bucket = "javascript-things";
    await client.send(new s3.CreateBucketCommand({ Bucket }));
    await s3.waitUntilBucketExists({ ...patience, client }, { Bucket });
    const body = Buffer.alloc(300_000, "stone ");
    const key = "a folder/näme+&?.txt";
    await client.send(new s3.PutObjectCommand({ Bucket, Key: key, Body: body, Metadata: { from: "node" } }));
    const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: key, ChecksumMode: "ENABLED" }));
    assert.deepEqual(Buffer.from(await got.Body.transformToByteArray()), body);
    assert.equal(got.Metadata.from, "node");
    assert.ok(got.ChecksumCRC32);

    // A stream goes out chunked, with its checksum in a trailer.
    await client.send(
      new s3.PutObjectCommand({ Bucket, Key: "streamed", Body: Readable.from([body, body]), ContentLength: 600_000 }),
    );
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: "streamed" }));
    assert.equal(head.ContentLength, 600_000);

    const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: "parts" }));
    const Parts = [];
    for (const [at, part] of [Buffer.alloc(5 << 20, "a"), Buffer.from("end")].entries()) {
      const where = { Bucket, Key: "parts", UploadId, PartNumber: at + 1 };
      const { ETag, ChecksumCRC32 } = await client.send(new s3.UploadPartCommand({ ...where, Body: part }));
      Parts.push({ ETag, ChecksumCRC32, PartNumber: at + 1 });
    }
    const done = { Bucket, Key: "parts", UploadId, MultipartUpload: { Parts } };
    assert.match((await client.send(new s3.CompleteMultipartUploadCommand(done))).ETag, /-2"$/);

    const listed = await all(s3.paginateListObjectsV2({ client, pageSize: 1 }, { Bucket }), "Contents");
    assert.deepEqual(listed.map((each) => each.Key), [key, "parts", "streamed"]);

    const url = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: key }), { expiresIn: 60 });
    assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, body.length);
    await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket, Key: "absent" })), s3.NoSuchKey);

    const Objects = listed.map(({ Key }) => ({ Key }));
    const gone = await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    assert.equal(gone.Deleted.length, 3);
    await client.send(new s3.DeleteBucketCommand({ Bucket }));
    await s3.waitUntilBucketNotExists({ ...patience, client }, { Bucket });
  },

  async items() {
    const client = new dynamodb.DynamoDBClient(settings);
    const TableName = "stones";
    await client.send(
      new dynamodb.CreateTableCommand({
        TableName,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: "hill", KeyType: "HASH" }, { AttributeName: "n", KeyType: "RANGE" }],
        AttributeDefinitions: [
          { AttributeName: "hill", AttributeType: "S" },
          { AttributeName: "n", AttributeType: "N" },
        ],
      }),
    );
    await dynamodb.waitUntilTableExists({ ...patience, client }, { TableName });
    for (let n = 0; n < 12; n++) {
      const Item = { hill: { S: "h" }, n: { N: `${n}` }, raw: { B: new Uint8Array([n, 255]) }, text: { S: "ö".repeat(900) } };
      await client.send(new dynamodb.PutItemCommand({ TableName, Item }));
    }
    const query = {
      TableName,
      KeyConditionExpression: "hill = :h AND n > :n",
      ExpressionAttributeValues: { ":h": { S: "h" }, ":n": { N: "1" } },
    };
    const items = await all(dynamodb.paginateQuery({ client, pageSize: 4 }, query), "Items");
    assert.deepEqual(items.map((item) => item.n.N), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(String));
    assert.deepEqual([...items[0].raw.B], [2, 255]);
    const taken = { TableName, Item: items[0], ConditionExpression: "attribute_not_exists(hill)" };
    await assert.rejects(client.send(new dynamodb.PutItemCommand(taken)), dynamodb.ConditionalCheckFailedException);
    await assert.rejects(
      client.send(new dynamodb.TransactWriteItemsCommand({ TransactItems: [{ Put: taken }] })),
      (error) => error.CancellationReasons[0].Code === "ConditionalCheckFailed",
    );
    await client.send(new dynamodb.DeleteTableCommand({ TableName }));
    await dynamodb.waitUntilTableNotExists({ ...patience, client }, { TableName });
  },

  async identity() {
    const client = new sts.STSClient(settings);
    const me = await client.send(new sts.GetCallerIdentityCommand({}));
    assert.equal(me.Account, "111122223333");
    const { Credentials } = await client.send(
      new sts.AssumeRoleCommand({ RoleArn: "arn:aws:iam::444455556666:role/Mason", RoleSessionName: "node" }),
    );
    assert.ok(Credentials.Expiration instanceof Date);
    const credentials = {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    };
    const they = await new sts.STSClient({ ...settings, credentials }).send(new sts.GetCallerIdentityCommand({}));
    assert.equal(they.Arn, "arn:aws:sts::444455556666:assumed-role/Mason/node");
  },
};

await scenarios[scenario]();
