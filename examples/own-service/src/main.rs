use h2grpc::server::{Server, listen};
use h2grpc::{call::Request, client::Channel, status::Status};

h2grpc::include_proto!("shop"); // Item, Receipt, the trait Till for the server, and TillClient

struct Shelf;

impl Till for Shelf {
    async fn price(&self, request: Request<Item>) -> Result<Receipt, Status> {
        match request.message.count {
            0 => Err(Status::invalid_argument("nothing is bought")),
            count => Ok(Receipt { cents: 32 * u64::from(count) }),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = listen("127.0.0.1:50051".parse()?)?;
    let server = Server::new().add(Shelf.into_service());
    tokio::spawn(server.serve([listener], std::future::pending())); // alone, a server awaits this

    let till = TillClient::new(Channel::new("127.0.0.1:50051".parse()?));
    let receipt = till.price(Item { name: "apple".to_owned(), count: 3 }).await?;
    println!("{} cents", receipt.message.cents);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn three_apples_cost_96_cents_and_none_are_refused() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(Server::new().add(Shelf.into_service()).serve([listener], std::future::pending()));
        let till = TillClient::new(Channel::new(address.parse().unwrap()));

        let apples = |count| Item { name: "apple".to_owned(), count };
        assert_eq!(till.price(apples(3)).await.unwrap().message, Receipt { cents: 96 });
        assert_eq!(till.price(apples(0)).await.unwrap_err().message(), "nothing is bought");
    }
}
