/**
 * One example for each operation of the API, in the order of the docs: each goes on where the ones before it ended. A test
 * runs them as they stand and checks every answer against its schema.
 */

export const preparation = `export OUTBOARD=http://127.0.0.1:3000 KEY=outboard-local
photo="$PWD/test/fixtures/photo.jpg" && cd "$(mktemp -d)" && cp "$photo" .
id() { node -p 'require("./job.json").id'; }`;

/** By operationId. */
export const examples: Readonly<Record<string, string>> = {
  createJob: `printf '{"model": "super-resolution", "upscale_factor": 2, "image_name": "photo.jpg", "image_base64": "%s"}' \\
    "$(base64 < photo.jpg | tr -d '\\n')" |
  curl -s "$OUTBOARD/v1/jobs" -d @- -H "x-api-key: $KEY" -H 'content-type: application/json' \\
    -H 'idempotency-key: photo-1' | tee job.json`,
  listJobs: `curl -s "$OUTBOARD/v1/jobs?limit=10" -H "x-api-key: $KEY"`,
  getJob: `curl -s "$OUTBOARD/v1/jobs/$(id)?wait=20" -H "x-api-key: $KEY"`,
  deleteJob: `curl -s -X DELETE "$OUTBOARD/v1/jobs/$(id)" -H "x-api-key: $KEY"`,
  cancelJob: `printf '{"upscale_factor": 8, "image_base64": "%s"}' "$(base64 < photo.jpg | tr -d '\\n')" |
  curl -s "$OUTBOARD/v1/jobs" -d @- -H "x-api-key: $KEY" -H 'content-type: application/json' > job.json

curl -s -X POST "$OUTBOARD/v1/jobs/$(id)/cancel" -H "x-api-key: $KEY"`,
  retryJob: `curl -s -X POST "$OUTBOARD/v1/jobs/$(id)/retry" -H "x-api-key: $KEY"`,
  listDeliveries: `# A receiver on this machine, as the local stack alone allows it; in a stage the URL is https.
node -e 'require("http").createServer((_, answer) => answer.end()).listen(0, "127.0.0.1", function () {
  console.log(this.address().port); })' > port.txt & receiver=$!; until [ -s port.txt ]; do sleep 0.1; done
printf '{"image_base64": "%s", "webhook": {"url": "http://127.0.0.1:%s/hook"}}' "$(base64 < photo.jpg | tr -d '\\n')" "$(cat port.txt)" |
  curl -s "$OUTBOARD/v1/jobs" -d @- -H "x-api-key: $KEY" -H 'content-type: application/json' > job.json

until curl -s "$OUTBOARD/v1/jobs/$(id)/deliveries" -H "x-api-key: $KEY" -o deliveries.json &&
  grep -q delivered deliveries.json; do sleep 0.5; done
cat deliveries.json`,
  redeliver: `delivery=$(node -p 'require("./deliveries.json").deliveries[0].id')
curl -s -X POST "$OUTBOARD/v1/jobs/$(id)/deliveries/$delivery/redeliver" -H "x-api-key: $KEY"

sleep 1; kill $receiver`,
  createUpload: `curl -s "$OUTBOARD/v1/uploads" -H "x-api-key: $KEY" -H 'content-type: application/json' \\
  -d '{"content_type": "image/jpeg", "upscale_factor": 2, "image_name": "photo.jpg"}' | tee upload.json

# The form's fields first, the file last.
node -p 'const { fields } = require("./upload.json");
  Object.entries(fields).map((field) => "form-string = " + JSON.stringify(field.join("="))).join("\\n")' > form.txt
curl -s -K form.txt -F file=@photo.jpg "$(node -p 'require("./upload.json").url')"`,
  listModels: `curl -s "$OUTBOARD/v1/models" -H "x-api-key: $KEY"`,
  getModel: `curl -s "$OUTBOARD/v1/models/super-resolution" -H "x-api-key: $KEY"`,
  getFleet: `curl -s "$OUTBOARD/v1/fleet" -H "x-api-key: $KEY"`,
  getWebhookSecret: `curl -s "$OUTBOARD/v1/webhook-secret" -H "x-api-key: $KEY"`,
  rotateWebhookSecret: `curl -s -X POST "$OUTBOARD/v1/webhook-secret/rotate" -H "x-api-key: $KEY"`,
  health: `curl -s "$OUTBOARD/v1/health"`,
  openapi: `curl -s "$OUTBOARD/v1/openapi.json"`,
};
