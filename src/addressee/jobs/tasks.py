"""Jobs as a backend of Django's Tasks API: what a function decorated with @task is told to do later, is a row here.

It is enqueued in the caller's transaction, so what is rolled back was never asked for. The worker calls the function
within the transaction that notes it as done: its own rows and that note stand together or not at all, and after a
crash it is called again. A function that raises is tried again with a pause, and given up after its tries.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.module_loading import import_string
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskError, TaskResult, TaskResultStatus
from django_tasks.exceptions import TaskResultDoesNotExist
from django_tasks.utils import normalize_json

from addressee.host.clock import now
from addressee.host.wake import poke
from addressee.jobs import rows
from addressee.jobs.models import Job

_STATUS = {"done": TaskResultStatus.SUCCESSFUL, "failed": TaskResultStatus.FAILED, "stopped": TaskResultStatus.FAILED}


class Backend(BaseTaskBackend):
    """For TASKS in the settings."""

    supports_defer = True
    supports_get_result = True

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Put a call down, in the caller's transaction; `run_after` says when it is due."""
        self.validate_task(task)
        payload = {"args": normalize_json(list(args)), "kwargs": normalize_json(dict(kwargs))}
        job = rows.enqueue(uuid.uuid4(), task.module_path, payload, task.queue_name, task.run_after or now(), now())
        poke()
        return self._result(job, task)

    def get_result(self, result_id: str) -> TaskResult[Any]:
        found = rows.find(result_id)
        if len(found) != 1 or found[0].kind != "task":
            raise TaskResultDoesNotExist(result_id)
        return self._result(found[0], import_string(found[0].name))

    def _result(self, job: Job, task: Task[Any, Any]) -> TaskResult[Any]:
        status = _STATUS.get(job.state, TaskResultStatus.READY)
        errors = [TaskError(exception_class_path="builtins.Exception", traceback=job.why)] if job.why else []
        result: TaskResult[Any] = TaskResult(
            task=task,
            id=str(job.pk),
            status=status,
            enqueued_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            last_attempted_at=job.started_at,
            args=job.payload["args"],
            kwargs=job.payload["kwargs"],
            backend=self.alias,
            errors=errors,
            worker_ids=[],
        )
        object.__setattr__(result, "_return_value", job.payload.get("result"))
        return result


def call(job: Job) -> Any:
    """Call what was asked for; its result, as JSON."""
    task: Task[Any, Any] = import_string(job.name)
    return normalize_json(task.call(*job.payload["args"], **job.payload["kwargs"]))
