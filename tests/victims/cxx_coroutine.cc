// Null in a C++20 coroutine that was resumed.
#include <coroutine>

static volatile int *volatile nothing;

struct Task {
	struct promise_type {
		Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
		std::suspend_always initial_suspend() { return {}; }
		std::suspend_always final_suspend() noexcept { return {}; }
		void return_void() {}
		void unhandled_exception() {}
	};
	std::coroutine_handle<promise_type> handle;
};

static Task body(int x)
{
	co_await std::suspend_always{};
	*nothing = x;
}

__attribute__((noinline)) void resumes(Task &task)
{
	task.handle.resume();
	task.handle.resume();
}

int main(int argc, char **)
{
	Task task = body(argc);

	resumes(task);
	return task.handle.done();
}
