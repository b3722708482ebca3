// A database: a tree of pages, a log, a planner of queries, and threads that run them.
#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bugs.h"

BUGS_MAIN

#if VERSION >= 2
#define insert_into insert_recursive
#define Planner	    Optimizer
#define next_row    fetch
#endif
#if VERSION >= 3
#define PageCache BufferPool
#define lookup	  search_tree
#define run_query execute_statement
#endif

namespace db
{

struct Error : std::runtime_error {
	using std::runtime_error::runtime_error;
};

[[noreturn]] static void corrupt(const char *what)
{
	throw Error(std::string("corrupt: ") + what);
}

using Row = std::vector<std::string>;

// ---------------------------------------------------------------- pages

template <class Key, class Value> struct Page {
	bool is_leaf = true;
	std::vector<Key> keys;
	std::vector<Value> values;
	std::vector<Page *> children;
	Value *find_slot(const Key &key)
	{
		auto at = std::lower_bound(keys.begin(), keys.end(), key);
		if (at == keys.end() || *at != key)
			return nullptr;
		return &values[static_cast<size_t>(at - keys.begin())];
	}
};

template <class T> class PageCache
{
      public:
	T *pin(T *page)
	{
		if (BUG(cache_wild_page))
			page = reinterpret_cast<T *>(rnd(3) ? 0x40 : 0x700000000040);
		auto at = std::find(recent.begin(), recent.end(), page);
		if (at != recent.end())
			recent.splice(recent.begin(), recent, at);
		else
			recent.push_front(page);
		if (recent.size() > 8)
			recent.pop_back();
		hits += page->keys.size();
		return page;
	}
	std::list<T *> recent;
	size_t hits = 0;
};

template <class Key, class Value> class Tree
{
      public:
	using Node = Page<Key, Value>;
	void insert(const Key &key, const Value &value)
	{
		insert_into(root, key, value);
		if (root->keys.size() > 8)
			grow();
	}
	Value *lookup(const Key &key)
	{
		Node *page = cache.pin(root);
		while (!page->is_leaf)
			page = cache.pin(child_of(page, key));
		return BUG(lookup_null_slot) ? nullptr : page->find_slot(key);
	}
	template <class F> void scan(F &&each)
	{
		scan_page(root, each);
	}
	size_t size = 0;

      private:
	static Node *child_of(Node *page, const Key &key)
	{
		size_t i = 0;
		while (i < page->keys.size() && page->keys[i] <= key)
			i++;
		if (BUG(child_null))
			page->children[i] = nullptr;
		return page->children[i];
	}
	void insert_into(Node *page, const Key &key, const Value &value)
	{
		page = cache.pin(page);
		if (BUG(insert_endless)) {
			insert_into(page, key, value);
			size++;
		}
		if (page->is_leaf) {
			auto at = std::lower_bound(page->keys.begin(), page->keys.end(), key);
			auto index = at - page->keys.begin();
			if (at != page->keys.end() && *at == key) {
				page->values[static_cast<size_t>(index)] = value;
				return;
			}
			page->keys.insert(at, key);
			page->values.insert(page->values.begin() + index, value);
			size++;
			assert(page->keys.size() == page->values.size() && !BUG(insert_assert));
			return;
		}
		Node *child = child_of(page, key);
		insert_into(child, key, value);
		if (child->keys.size() > 8)
			split(page, child);
	}
	void split(Node *parent, Node *child)
	{
		auto *right = new Node;
		size_t half = child->keys.size() / 2;
		Key middle = child->keys.at(BUG(split_out_of_range) ? half + 100 : half);
		right->is_leaf = child->is_leaf;
		size_t from = child->is_leaf ? half : half + 1;
		right->keys.assign(child->keys.begin() + long(from), child->keys.end());
		if (child->is_leaf)
			right->values.assign(
				child->values.begin() + long(from), child->values.end());
		else
			right->children.assign(
				child->children.begin() + long(from), child->children.end());
		child->keys.resize(half);
		if (child->is_leaf)
			child->values.resize(BUG(split_huge) ? size_t(1) << 60 : half);
		else
			child->children.resize(half + 1);
		auto at = std::upper_bound(parent->keys.begin(), parent->keys.end(), middle);
		parent->children.insert(
			parent->children.begin() + (at - parent->keys.begin()) + 1, right);
		parent->keys.insert(at, middle);
	}
	void grow()
	{
		auto *top = new Node;
		top->is_leaf = false;
		top->children.push_back(root);
		split(top, root);
		root = top;
	}
	template <class F> void scan_page(Node *page, F &each)
	{
		for (auto *child : page->children)
			scan_page(BUG(scan_bad_child) ? reinterpret_cast<Node *>(8) : child, each);
		if (page->is_leaf)
			for (size_t i = 0; i < page->keys.size(); i++)
				each(page->keys[i], page->values[i]);
	}
	Node *root = new Node;
	PageCache<Node> cache;
};

// ---------------------------------------------------------------- the log

class Log
{
      public:
	void append(const std::string &record)
	{
		records.push_back(record);
		if (BUG(log_null_record))
			records.back() = static_cast<const char *>(nullptr);
		bytes += record.size();
		if (records.size() > 30)
			flush();
	}
	void flush()
	{
		for (auto &record : records)
			sum = checksum(record.data(), record.size());
		if (BUG(log_corrupt))
			corrupt("checksum");
		records.clear();
	}

      private:
	static unsigned checksum(const char *data, size_t len)
	{
		unsigned sum = 0;
		if (BUG(checksum_bad_data))
			data = reinterpret_cast<const char *>(0x123456789000);
		while (len-- > 0)
			sum = sum * 31 + static_cast<unsigned char>(*data++);
		return sum;
	}
	std::deque<std::string> records;
	size_t bytes = 0;
	unsigned sum = 0;
};

// ---------------------------------------------------------------- tables and queries

class Table
{
      public:
	void put(int key, Row row)
	{
		log.append(row.empty() ? "" : row.front());
		rows.insert(key, std::move(row));
	}
	Row &get(int key)
	{
		Row *row = rows.lookup(key);
		if (!row && !BUG(get_null_row)) {
			static Row none{"none", "0"};
			return none;
		}
		return *row;
	}
	Tree<int, Row> rows;
	Log log;
	std::map<std::string, std::vector<int>> index;
};

class Operator
{
      public:
	virtual ~Operator() = default;
	virtual const Row *next_row() = 0;
	virtual int cost() const = 0;
};

class Scan : public Operator
{
      public:
	explicit Scan(Table &table)
	{
		table.rows.scan([this](int key, const Row &row) {
			if (key % 3 && !BUG(scan_throws))
				rows.push_back(row);
			else if (strcmp(bug_name, "scan_throws") == 0 && bug_left < 0)
				corrupt("row");
		});
	}
	const Row *next_row() override
	{
		return at < rows.size() ? &rows[at++] : nullptr;
	}
	int cost() const override
	{
		return int(rows.size());
	}

      private:
	std::vector<Row> rows;
	size_t at = 0;
};

class Filter : public Operator
{
      public:
	Filter(std::unique_ptr<Operator> f, std::function<bool(const Row &)> t)
	    : from(std::move(f)), test(std::move(t))
	{
	}
	const Row *next_row() override
	{
		const Row *row;
		while ((row = from->next_row()) != nullptr)
			if (test(*row))
				return row;
		return nullptr;
	}
	int cost() const override
	{
		return 1 + from->cost() / (BUG(cost_division) ? 0 : 2);
	}

      private:
	std::unique_ptr<Operator> from;
	std::function<bool(const Row &)> test;
};

class Sort : public Operator
{
      public:
	explicit Sort(std::unique_ptr<Operator> f) : from(std::move(f))
	{
	}
	const Row *next_row() override
	{
		if (!sorted) {
			while (const Row *row = from->next_row())
				rows.push_back(*row);
			std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) {
				size_t column = BUG(sort_bad_column) ? 1u << 20 : 1;
				return a[column] < b[column];
			});
			sorted = true;
		}
		return at < rows.size() ? &rows[at++] : nullptr;
	}
	int cost() const override
	{
		return 5 * from->cost();
	}

      private:
	std::unique_ptr<Operator> from;
	std::vector<Row> rows;
	size_t at = 0;
	bool sorted = false;
};

class Planner
{
      public:
	explicit Planner(Table &t) : table(t)
	{
	}
	std::unique_ptr<Operator> plan(unsigned depth)
	{
		if (depth == 0)
			return std::make_unique<Scan>(table);
		auto inner = plan(depth - 1);
		if (BUG(plan_lost_inner))
			inner.reset();
		if (rnd(2))
			return std::make_unique<Sort>(std::move(inner));
		return std::make_unique<Filter>(std::move(inner), [](const Row &row) {
			return std::stoi(BUG(filter_bad_number) ? "x" : row.at(1)) % 2 == 0;
		});
	}

      private:
	Table &table;
};

static size_t run_query(Table &table)
{
	Planner planner(table);
	auto query = planner.plan(rnd(4));
	size_t num = 0;
	if (query->cost() > 1000)
		return 0;
	while (const Row *row = query->next_row())
		num += row->front().size();
	return num;
}

// ---------------------------------------------------------------- threads

class Pool
{
      public:
	Pool() : thread([this] { work(); })
	{
	}
	~Pool()
	{
		post({});
		thread.join();
	}
	template <class F> auto submit(F call) -> std::future<decltype(call())>
	{
		auto task =
			std::make_shared<std::packaged_task<decltype(call())()>>(std::move(call));
		auto result = task->get_future();
		post([task] { (*task)(); });
		return result;
	}
	void post(std::function<void()> job)
	{
		std::lock_guard<std::mutex> lock(mutex);
		jobs.push_back(std::move(job));
		ready.notify_one();
	}

      private:
	void work()
	{
		for (;;) {
			std::unique_lock<std::mutex> lock(mutex);
			ready.wait(lock, [this] { return !jobs.empty(); });
			auto job = std::move(jobs.front());
			jobs.pop_front();
			lock.unlock();
			if (!job)
				return;
			job();
		}
	}
	std::mutex mutex;
	std::condition_variable ready;
	std::deque<std::function<void()>> jobs;
	std::thread thread;
};

class Session
{
      public:
	explicit Session(Table &t) : table(t)
	{
	}
	void write()
	{
		int key = int(rnd(500));
		table.put(key, {"name" + std::to_string(key), std::to_string(rnd(100))});
	}
	size_t read()
	{
		Row &row = table.get(int(rnd(500)));
		if (BUG(read_bad_column))
			return row.at(7).size();
		return row.front().size();
	}
	void copy()
	{
		Row row = table.get(int(rnd(500)));
		table.put(int(rnd(500)), row);
	}
	size_t query()
	{
		return run_query(table);
	}
	void check()
	{
		size_t num = 0;
		table.rows.scan([&](int, const Row &row) { num += !row.empty(); });
		if (num != table.rows.size || BUG(check_count))
			corrupt("count");
		table.log.flush();
	}
	void transaction(unsigned depth)
	{
		for (unsigned i = 1 + rnd(3); i > 0; i--)
			step(depth);
	}
	void step(unsigned depth)
	{
		switch (rnd(depth < 3 ? 6 : 5)) {
		case 0:
			return write();
		case 1:
			return void(read());
		case 2:
			return copy();
		case 3:
			return void(query());
		case 4:
			return check();
		default:
			return transaction(depth + 1);
		}
	}

      private:
	Table &table;
};

} // namespace db

int main(int argc, char **argv)
{
	bugs_begin(argc, argv);
	db::Table table;
	db::Session session(table);
	db::Pool pool;
	for (int i = 0; i < 150; i++)
		session.write();
	for (int i = 0; i < 120; i++) {
		switch (rnd(4)) {
		case 0:
			pool.submit([&] { session.step(0); }).get();
			break;
		case 1: {
			// What is thrown in it ends the program.
			std::promise<void> done;
			pool.post([&] {
				session.transaction(1);
				done.set_value();
			});
			done.get_future().get();
			break;
		}
		case 2:
			std::thread([&] { session.query(); }).join();
			break;
		default:
			session.step(0);
		}
	}
	return 0;
}
