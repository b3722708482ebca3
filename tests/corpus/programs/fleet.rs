// Vehicles, their orders, and messages about them: traits, closures, collections, panics.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::cell::RefCell;

struct World {
    seed: u64,
    bug: String,
    left: i64,
}

impl World {
    fn rnd(&mut self, limit: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.seed >> 33) as usize % limit
    }
    fn bug(&mut self, name: &str) -> bool {
        if self.bug != name {
            return false;
        }
        self.left -= 1;
        self.left < 0
    }
}

macro_rules! BUG {
    ($world:expr, $name:ident) => {
        $world.bug(stringify!($name))
    };
}

#[derive(Clone, Debug)]
enum Order {
    Drive(usize),
    Load { item: String, weight: u32 },
    Repair,
}

trait Vehicle {
    fn name(&self) -> &str;
    fn step(&mut self, order: &Order, world: &mut World) -> Result<u32, String>;
    fn capacity(&self) -> u32;
}

struct Truck {
    name: String,
    cargo: Vec<(String, u32)>,
    route: Vec<usize>,
}

struct Drone {
    name: String,
    battery: u32,
    log: VecDeque<u32>,
}

fn distance(route: &[usize], index: usize) -> usize {
    route[index] + route[0]
}

fn share(total: u32, parts: u32) -> u32 {
    total / parts
}

fn parse_weight(text: &str) -> u32 {
    text.trim().parse::<u32>().unwrap()
}

impl Vehicle for Truck {
    fn name(&self) -> &str {
        &self.name
    }
    fn step(&mut self, order: &Order, world: &mut World) -> Result<u32, String> {
        match order {
            Order::Drive(to) => {
                self.route.push(*to);
                let index = if BUG!(world, truck_route_end) { 1000 } else { self.route.len() - 1 };
                Ok(distance(&self.route, index) as u32)
            }
            Order::Load { item, weight } => {
                self.cargo.push((item.clone(), *weight));
                let sum: u32 = self.cargo.iter().map(|(_, w)| w).sum();
                let parts = if BUG!(world, truck_no_parts) { 0 } else { self.cargo.len() as u32 };
                Ok(share(sum, parts))
            }
            Order::Repair => {
                self.cargo.clear();
                if BUG!(world, truck_repair_fails) {
                    Err("no parts".to_string())
                } else {
                    Ok(0)
                }
            }
        }
    }
    fn capacity(&self) -> u32 {
        share(1000, self.cargo.len() as u32 + 1)
    }
}

impl Vehicle for Drone {
    fn name(&self) -> &str {
        &self.name
    }
    fn step(&mut self, order: &Order, world: &mut World) -> Result<u32, String> {
        self.log.push_back(self.battery);
        if self.log.len() > 5 {
            self.log.pop_front();
        }
        match order {
            Order::Drive(to) => {
                let log: Vec<usize> = self.log.iter().map(|b| *b as usize).collect();
                let index = if BUG!(world, drone_log_end) { 77 } else { to % log.len() };
                Ok(distance(&log, index) as u32)
            }
            Order::Load { item, .. } => {
                let text = if BUG!(world, drone_bad_weight) { "heavy" } else { "12" };
                Ok(parse_weight(text) + item.len() as u32)
            }
            Order::Repair => {
                self.battery = 100;
                if BUG!(world, drone_lost_log) {
                    self.log.clear();
                }
                Ok(*self.log.back().expect("a log"))
            }
        }
    }
    fn capacity(&self) -> u32 {
        self.battery / 10
    }
}

struct Depot {
    vehicles: Vec<Rc<RefCell<Box<dyn Vehicle>>>>,
    by_name: HashMap<String, usize>,
    orders: BTreeMap<u32, Vec<Order>>,
    now: u32,
}

impl Depot {
    fn send(&mut self, index: usize, order: &Order, world: &mut World) -> u32 {
        let cell = Rc::clone(&self.vehicles[index % self.vehicles.len()]);
        let other = Rc::clone(&cell);
        let mut vehicle = cell.borrow_mut();
        if BUG!(world, depot_two_borrows) {
            return other.borrow().capacity();
        }
        vehicle.step(order, world).unwrap()
    }
    fn find(&self, name: &str, world: &mut World) -> usize {
        let key = if BUG!(world, depot_unknown_name) { "nobody" } else { name };
        self.by_name[key]
    }
    fn plan(&mut self, world: &mut World) {
        let when = self.now + world.rnd(3) as u32;
        let order = make_order(world);
        self.orders.entry(when).or_insert_with(Vec::new).push(order);
    }
    fn tick(&mut self, world: &mut World) {
        self.now += 1;
        let due = self.orders.remove(&self.now).unwrap_or_default();
        due.iter().for_each(|order| {
            let index = world.rnd(8);
            self.send(index, order, world);
        });
    }
    fn rescue(&mut self, depth: usize, world: &mut World) -> u32 {
        let index = self.find("v3", world);
        if depth > 0 || BUG!(world, depot_endless_rescue) {
            let more = self.rescue(depth.saturating_sub(1), world);
            world.left -= 1;
            return share(more, world.rnd(3) as u32 + 1);
        }
        self.send(index, &Order::Repair, world)
    }
    fn survey(&self, world: &mut World) -> u32 {
        let mut all: Vec<u32> = self.vehicles.iter().map(|v| v.borrow().capacity()).collect();
        all.sort_by(|a, b| {
            if BUG!(world, survey_bad_order) {
                None::<std::cmp::Ordering>.unwrap()
            } else {
                a.cmp(b)
            }
        });
        let names: Vec<String> =
            self.vehicles.iter().map(|v| v.borrow().name().to_string()).collect();
        all[if BUG!(world, survey_past_end) { all.len() } else { 0 }] + names.len() as u32
    }
}

fn make_order(world: &mut World) -> Order {
    match world.rnd(3) {
        0 => Order::Drive(world.rnd(50)),
        1 => Order::Load { item: format!("item{}", world.rnd(9)), weight: world.rnd(90) as u32 },
        _ => Order::Repair,
    }
}

fn handle(depot: &mut Depot, world: &mut World) {
    let actions: Vec<Box<dyn Fn(&mut Depot, &mut World)>> = vec![
        Box::new(|d, w| d.plan(w)),
        Box::new(|d, w| d.tick(w)),
        Box::new(|d, w| {
            let order = make_order(w);
            let index = d.find("v1", w);
            d.send(index, &order, w);
        }),
        Box::new(|d, w| {
            let depth = w.rnd(6);
            d.rescue(depth, w);
        }),
        Box::new(|d, w| {
            d.survey(w);
        }),
    ];
    let which = world.rnd(actions.len());
    actions[which](depot, world);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut world = World { seed: args[2].parse().unwrap(), bug: args[1].clone(), left: 0 };
    world.left = world.rnd(4) as i64;
    let mut depot = Depot {
        vehicles: Vec::new(),
        by_name: HashMap::new(),
        orders: BTreeMap::new(),
        now: 0,
    };
    for i in 0..6 {
        let name = format!("v{}", i);
        depot.by_name.insert(name.clone(), i);
        let vehicle: Box<dyn Vehicle> = if i % 2 == 0 {
            Box::new(Truck { name, cargo: Vec::new(), route: vec![1] })
        } else {
            Box::new(Drone { name, battery: 90, log: VecDeque::new() })
        };
        depot.vehicles.push(Rc::new(RefCell::new(vehicle)));
    }
    for _ in 0..300 {
        handle(&mut depot, &mut world);
    }
}
