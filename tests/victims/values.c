/*
 * Variables of every kind that C has, in frames that are all there.
 */
#include <complex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>
#include <wchar.h>

enum colour { RED, GREEN = 5, BLUE = -2 };
enum flags { FLAG_A = 1, FLAG_B = 2, FLAG_C = 8 };

struct point {
	int x, y;
};

struct bits {
	unsigned int low : 3;
	int middle : 7;
	unsigned int high : 12;
	uint64_t wide : 37;
	enum flags flags : 4;
	bool yes : 1;
};

union either {
	uint32_t number;
	float real;
	uint8_t bytes[4];
};

struct node {
	struct node *next;
	const char *name;
	int (*compare)(const void *a, const void *b);
	union {
		long number;
		double real;
	};
	struct {
		short first;
		char second;
	} inner;
	struct point corners[3];
	char text[12];
};

typedef int handler(const void *a, const void *b);
typedef struct point vector[2];

int counter = 17;
static const struct point origin = {3, 4};
struct node head;

__attribute__((noinline)) static int compare(const void *a, const void *b)
{
	return a < b ? -1 : a > b;
}

__attribute__((noinline)) static void use(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

__attribute__((noinline)) static void crashes(
	const char *why, volatile int *where, int count, unsigned char letter)
{
	int doubled = 2 * count;
	use(&doubled);
	*where = doubled + letter + why[0];
}

static inline __attribute__((always_inline)) void inlined(int depth, const struct node *node)
{
	long squared = (long)depth * depth;
	use(&squared);
	crashes(node->name, NULL, depth, 'q');
	use(node);
}

__attribute__((noinline)) static void structures(struct node node, struct point point, int n)
{
	struct bits bits = {5, -30, 1000, 123456789012, FLAG_A | FLAG_C, true};
	union either either = {.real = 1.5f};
	vector pair = {{1, 2}, {3, 4}};
	int sized[n];
	for (int i = 0; i < n; i++)
		sized[i] = i * i;
	int matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
	int zeros[100] = {0}, runs[40];
	for (int i = 0; i < 40; i++)
		runs[i] = i / 15;
	struct point many[30] = {{0, 0}};
	const struct node *chain[3] = {&node, &head, NULL};
	use(&bits);
	use(&either);
	use(pair);
	use(sized);
	use(matrix);
	use(zeros);
	use(runs);
	use(many);
	use(chain);
	use(&node);
	use(&point);
	inlined(n, &node);
	use(&n);
}

__attribute__((noinline)) static double numbers(
	float small, double large, long double extended, bool truth, signed char letter)
{
	int8_t i8 = -7;
	uint8_t u8 = 200;
	int16_t i16 = -300;
	uint16_t u16 = 60000;
	int32_t i32 = -70000;
	uint32_t u32 = 4000000000;
	int64_t i64 = -5000000000;
	uint64_t u64 = 18000000000000000000u;
	__int128 i128 = -((__int128)1 << 100);
	double complex z = 1.5 - 2 * I;
	float third = 1.0f / 3, infinite = 1e30f * 1e30f;
	double nothing = 0, tenth = 0.1;
	wchar_t wide = L'x';
	char newline = '\n', nul = '\0', quote = '\'';
	enum colour colour = BLUE;
	enum flags flags = FLAG_A | FLAG_B, unknown = (enum flags)20, none = 0;
	handler *function = compare;
	void *data = &counter, *null = NULL;
	const struct point *constant = &origin;
	char buffer[64] = "hello\tworld", filled[32];
	unsigned char raw[6] = {0, 1, 128, 255, 'a', '"'};
	const char *string = "a \"quoted\" string", *long_string;
	wchar_t wide_array[8] = L"gr\u00fc\u00df";
	const wchar_t *wide_string = L"\u4e2d, wide";
	const char16_t *halves = u"\U0001f600, halves";
	const char32_t *whole = U"\U0001f600, whole";
	static int calls;
	memset(filled, 'z', sizeof(filled));
	char *heap = malloc(400);
	memset(heap, 'h', 399);
	heap[399] = '\0';
	long_string = heap;
	calls++;
	void *const used[] = {&i8, &u8, &i16, &u16, &i32, &u32, &i64, &u64, &i128, &z, &third, &infinite,
		&nothing, &tenth, &wide, &newline, &nul, &quote, &colour, &flags, &unknown, &none,
		&function, &data, &null, &constant, buffer, filled, raw, &string, &long_string, &calls,
		wide_array, &wide_string, &halves, &whole,
		&small, &large, &extended, &truth, &letter};
	use(used);
	struct node node = {&head, "a node", compare, {.number = 77}, {-5, 'c'},
		{{1, 2}, {3, 4}, {5, 6}}, "in a node"};
	structures(node, (struct point){8, 9}, 5);
	return large;
}

int main(int argc, char **argv)
{
	volatile long kept = 1234567;
	head = (struct node){NULL, "head", NULL, {.real = 2.5}, {1, 'x'}, {{0, 0}}, ""};
	numbers(1.25f, 2.5, 3.75L, true, 'L');
	return (int)kept + argc + (argv == NULL);
}
