// A scene of shapes: templates, virtual calls, containers, lambdas, visitors, signals and slots.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "bugs.h"

BUGS_MAIN

#if VERSION >= 2
#define refresh invalidate
#define Picker	HitTester
#define measure compute_extent
#endif
#if VERSION >= 3
#define Group  Container
#define paint  render
#define layout arrange
#endif

namespace scene
{

struct Point {
	double x = 0, y = 0;
};

template <typename T> struct Range {
	T low{}, high{};
	T clamp(T value) const
	{
		return std::min(std::max(value, low), high);
	}
};

class Canvas
{
      public:
	explicit Canvas(size_t width) : cells(width * 8)
	{
	}
	virtual ~Canvas() = default;
	virtual void plot(long at, int colour)
	{
		if (at < 0)
			at = -at;
		cells[static_cast<size_t>(at) % cells.size()] = colour;
	}
	virtual void text(const char *s)
	{
		label.assign(s);
	}
	std::vector<int> cells;
	std::string label;
};

class Clipped : public Canvas
{
      public:
	Clipped(Canvas *to, Range<long> range) : Canvas(8), target(to), visible(range)
	{
	}
	void plot(long at, int colour) override
	{
		target->plot(visible.clamp(at), colour);
	}
	void text(const char *s) override
	{
		target->text(s);
	}
	Canvas *target;
	Range<long> visible;
};

struct Style {
	std::string name;
	std::map<std::string, int> values;
	int get(const std::string &key) const
	{
		return values.at(key);
	}
};

class Visitor;

class Shape
{
      public:
	explicit Shape(std::string n) : name(std::move(n))
	{
	}
	virtual ~Shape() = default;
	virtual void paint(Canvas &canvas) = 0;
	virtual double measure() const = 0;
	virtual void accept(Visitor &visitor) = 0;
	virtual void layout(Range<double> space);
	int colour() const
	{
		return style->get(BUG(style_missing_key) ? "none" : "colour");
	}
	std::string name;
	std::shared_ptr<Style> style;
	Point origin;
	Shape *parent = nullptr;
	std::vector<std::function<void(Shape &)>> slots;
	void refresh()
	{
		for (auto &slot : slots)
			slot(*this);
		if (parent)
			parent->refresh();
	}
};

class Circle;
class Polygon;
class Label;
class Group;

class Visitor
{
      public:
	virtual ~Visitor() = default;
	virtual void circle(Circle &) = 0;
	virtual void polygon(Polygon &) = 0;
	virtual void label(Label &) = 0;
	virtual void group(Group &) = 0;
};

void Shape::layout(Range<double> space)
{
	origin.x = space.clamp(origin.x);
	if (BUG(layout_null_style))
		style.reset();
	origin.y = style->get("margin");
}

class Circle : public Shape
{
      public:
	using Shape::Shape;
	double radius = 1;
	void paint(Canvas &canvas) override
	{
		for (int i = 0; i < 4; i++)
			canvas.plot(static_cast<long>(origin.x + radius * i), colour());
	}
	double measure() const override
	{
		return radius * radius * 3.14;
	}
	void accept(Visitor &visitor) override
	{
		visitor.circle(*this);
	}
};

class Polygon : public Shape
{
      public:
	using Shape::Shape;
	std::vector<Point> points;
	double measure() const override
	{
		double sum = 0;
		size_t num = points.size() + (BUG(polygon_past_end) ? 1u << 22 : 0);
		for (size_t i = 1; i < num; i++)
			sum += points[i].x * points[i - 1].y;
		return std::fabs(sum);
	}
	void paint(Canvas &canvas) override
	{
		std::vector<Point> sorted = points;
		std::sort(sorted.begin(), sorted.end(), [](const Point &a, const Point &b) {
			if (BUG(sort_bad_compare))
				return *reinterpret_cast<const volatile double *>(16) < a.x;
			return a.x < b.x;
		});
		for (const Point &point : sorted)
			canvas.plot(std::lround(point.x), colour());
		canvas.plot(0, std::lround(sorted.at(BUG(paint_out_of_range) ? 99 : 0).y));
	}
	void accept(Visitor &visitor) override
	{
		visitor.polygon(*this);
	}
};

class Label : public Shape
{
      public:
	using Shape::Shape;
	std::string words = "label";
	double measure() const override
	{
		size_t from = BUG(label_bad_substr) ? 1000 : 0;
		return static_cast<double>(words.substr(from, 3).size());
	}
	void paint(Canvas &canvas) override
	{
		canvas.text(BUG(label_null_text) ? nullptr : words.c_str());
	}
	void accept(Visitor &visitor) override
	{
		visitor.label(*this);
	}
};

class Group : public Shape
{
      public:
	using Shape::Shape;
	std::vector<std::unique_ptr<Shape>> children;
	template <typename F> void each(F &&call)
	{
		for (auto &child : children)
			call(*child);
	}
	void paint(Canvas &canvas) override
	{
		Clipped clipped(BUG(clip_null_target) ? nullptr : &canvas, {0, 40});
		each([&](Shape &shape) { shape.paint(clipped); });
	}
	double measure() const override
	{
		return std::accumulate(children.begin(), children.end(), 0.0,
			[](double sum, const std::unique_ptr<Shape> &child) {
				return sum + child->measure();
			});
	}
	void layout(Range<double> space) override
	{
		Shape::layout(space);
		each([&](Shape &shape) { shape.layout({space.low + 1, space.high}); });
	}
	void accept(Visitor &visitor) override
	{
		visitor.group(*this);
	}
};

// ---------------------------------------------------------------- visitors

class Picker : public Visitor
{
      public:
	void circle(Circle &shape) override
	{
		add(shape, shape.radius);
	}
	void polygon(Polygon &shape) override
	{
		add(shape, shape.points.front().x);
	}
	void label(Label &shape) override
	{
		add(shape, 0);
	}
	void group(Group &shape) override
	{
		if (BUG(pick_endless))
			shape.accept(*this);
		shape.each([this](Shape &child) { child.accept(*this); });
	}
	std::multimap<double, Shape *> found;

      private:
	void add(Shape &shape, double distance)
	{
		Shape *kept = &shape;
		if (BUG(pick_wild_shape))
			kept = reinterpret_cast<Shape *>(rnd(2) ? 0x30 : 0xdead0000beef);
		found.emplace(distance, kept);
	}
};

class Exporter : public Visitor
{
      public:
	void circle(Circle &shape) override
	{
		write(shape.name, std::to_string(shape.radius));
	}
	void polygon(Polygon &shape) override
	{
		for (auto &point : shape.points)
			write(shape.name, std::to_string(point.x));
	}
	void label(Label &shape) override
	{
		write("label", shape.words);
	}
	void group(Group &shape) override
	{
		write("group", shape.name);
		shape.each([this](Shape &child) { child.accept(*this); });
	}
	std::string out;

      private:
	void write(const std::string &key, const std::string &value)
	{
		if (BUG(export_throws))
			throw std::runtime_error("disk full: " + key);
		out.append(key, 0, BUG(export_bad_length) ? key.size() : 2).append(value);
		if (strcmp(bug_name, "export_bad_length") == 0 && bug_left < 0)
			out.insert(out.size() + 7, value);
		if (out.size() > 1000)
			out.clear();
	}
};

// ---------------------------------------------------------------- commands

struct Move {
	double by;
};
struct Rename {
	std::string to;
};
struct Remove {
	size_t index;
};
using Command = std::variant<Move, Rename, Remove>;

template <class... F> struct overloaded : F... {
	using F::operator()...;
};
template <class... F> overloaded(F...) -> overloaded<F...>;

class Editor
{
      public:
	explicit Editor(Group *r) : root(r)
	{
	}
	void apply(Command command)
	{
		std::visit(overloaded{[&](Move &move) { this->move(move.by); },
				   [&](Rename &rename) { this->rename(rename.to); },
				   [&](Remove &remove) { this->remove(remove.index); }},
			command);
		undo.push_back(std::move(command));
		if (undo.size() > 20)
			undo.erase(undo.begin(), undo.begin() + 10);
	}
	void undo_last()
	{
		if (undo.empty() && !BUG(undo_empty))
			return;
		Command last = undo.at(undo.size() - 1);
		undo.pop_back();
		if (std::holds_alternative<Move>(last))
			move(-std::get<Move>(last).by);
		else if (BUG(undo_bad_variant))
			move(std::get<Move>(last).by);
	}

      private:
	void move(double by)
	{
		Shape *shape = pick();
		shape->origin.x += by;
		if (BUG(refresh_bad_parent))
			shape->parent = reinterpret_cast<Shape *>(0x100);
		shape->refresh();
	}
	void rename(const std::string &to)
	{
		Shape *shape = pick();
		shape->name = to;
		names[to] = shape;
		shape->refresh();
	}
	void remove(size_t index)
	{
		if (root->children.size() < 4)
			return;
		index %= root->children.size();
		Shape *gone = root->children[index].get();
		for (auto at = names.begin(); at != names.end();)
			at = at->second == gone ? names.erase(at) : std::next(at);
		root->children.erase(root->children.begin() + static_cast<long>(index));
		root->refresh();
	}
	Shape *pick()
	{
		Picker picker;
		root->accept(picker);
		auto at = picker.found.begin();
		std::advance(at, rnd(static_cast<unsigned>(picker.found.size())));
		Shape *shape = at->second;
		return shape->name.empty() ? root : shape;
	}
	Group *root;
	std::vector<Command> undo;
	std::unordered_map<std::string, Shape *> names;
};

// ---------------------------------------------------------------- the whole

static std::shared_ptr<Style> make_style()
{
	auto style = std::make_shared<Style>();
	style->values = {{"colour", 3}, {"margin", 2}};
	return style;
}

static std::unique_ptr<Shape> make_shape(unsigned depth)
{
	std::unique_ptr<Shape> shape;
	std::string name = "shape" + std::to_string(rnd(50));
	switch (rnd(depth ? 4 : 3)) {
	case 0:
		shape = std::make_unique<Circle>(name);
		break;
	case 1: {
		auto polygon = std::make_unique<Polygon>(name);
		for (unsigned i = 3 + rnd(20); i > 0; i--)
			polygon->points.push_back({double(rnd(100)), double(rnd(100))});
		shape = std::move(polygon);
		break;
	}
	case 2:
		shape = std::make_unique<Label>(name);
		break;
	default:
		auto group = std::make_unique<Group>(name);
		for (unsigned i = 1 + rnd(4); i > 0; i--) {
			group->children.push_back(make_shape(depth - 1));
			group->children.back()->parent = group.get();
		}
		shape = std::move(group);
	}
	shape->style = make_style();
	if (rnd(3) == 0)
		shape->slots.emplace_back([](Shape &self) {
			self.origin.y = BUG(slot_division) ? 100 / (int)(self.origin.x * 0)
							   : self.measure();
		});
	if (rnd(6) == 0)
		shape->slots.emplace_back(
			BUG(slot_empty) ? std::function<void(Shape &)>() : [](Shape &self) {
				self.layout({0, 90});
			});
	return shape;
}

class App
{
      public:
	App() : root("root"), editor(&root), canvas(32)
	{
		root.style = make_style();
		for (int i = 0; i < 6; i++)
			add();
	}
	void add()
	{
		root.children.push_back(make_shape(3));
		root.children.back()->parent = &root;
	}
	void event(unsigned what)
	{
		static const std::function<void(App &)> handlers[] = {&App::add,
			[](App &app) { app.root.paint(app.canvas); },
			[](App &app) {
				app.root.layout({0, 80});
			},
			[](App &app) { app.editor.apply(Move{double(rnd(9))}); },
			[](App &app) { app.editor.apply(Rename{"n" + std::to_string(rnd(9))}); },
			[](App &app) { app.editor.apply(Remove{rnd(9)}); },
			[](App &app) { app.editor.undo_last(); }, &App::save, &App::redraw};
		handlers[what % 9](*this);
	}
	void save()
	{
		Exporter exporter;
		root.accept(exporter);
	}
	void redraw()
	{
		root.refresh();
		root.paint(canvas);
		if (root.measure() < 0)
			add();
	}

      private:
	Group root;
	Editor editor;
	Canvas canvas;
};

} // namespace scene

int main(int argc, char **argv)
{
	bugs_begin(argc, argv);
	scene::App app;
	for (int i = 0; i < 400; i++)
		app.event(rnd(1000));
	return 0;
}
