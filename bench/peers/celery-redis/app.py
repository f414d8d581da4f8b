"""The web process: keeps the picture, queues the task, and waits for its end where the client asks for that."""

import os
import uuid

import redis
from celery import Celery
from celery.exceptions import TimeoutError
from celery.result import AsyncResult
from flask import Flask, Response, jsonify, request

URL = os.environ["PEER_REDIS"]
KEEP_SECONDS = 600
TASKS = ("classification", "super-resolution")

app = Flask(__name__)
tasks = Celery("peer", broker=URL, backend=URL)
store = redis.Redis.from_url(URL)


@app.get("/health")
def health():
    """Ready once a worker answers."""
    return ("ok", 200) if tasks.control.ping(timeout=0.5) else ("no worker", 503)


@app.post("/<task>")
def submit(task):
    if task not in TASKS:
        return "", 404
    job = str(uuid.uuid4())
    store.set(f"input:{job}", request.get_data(), ex=KEEP_SECONDS)
    tasks.send_task(f"tasks.{task}", task_id=job)
    wait = request.args.get("wait", type=float)
    return answer(job, wait) if wait else (jsonify(id=job), 202)


@app.get("/jobs/<job>")
def read(job):
    return answer(job, request.args.get("wait", 0.001, type=float))


@app.get("/jobs/<job>/finished")
def finished(job):
    """How often the task was run to its end."""
    return (store.get(f"finished:{job}") or b"0").decode()


def answer(job, wait):
    try:
        count = AsyncResult(job, app=tasks).get(timeout=wait)
    except TimeoutError:
        return jsonify(id=job), 202
    parts = store.mget([f"{job}:{index}" for index in range(count)])
    return Response(b"".join(parts), headers={"x-first-bytes": str(len(parts[0]))})
