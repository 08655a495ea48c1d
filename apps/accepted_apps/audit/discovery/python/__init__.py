"""Routes in Python repositories: FastAPI and Starlette, Flask, Django with its REST framework and Ninja."""
